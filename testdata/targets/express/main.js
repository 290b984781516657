// The query of a request comes back as the body, by Express.
'use strict';
const express = require('express');

const app = express();
app.get('/echo', (request, response) => {
  response.type('text/plain').send(request.url.split('?')[1] ?? '');
});
app.listen(Number(process.env.PORT), '127.0.0.1');
