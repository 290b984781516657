// The query of a request comes back as the body, by Node's http module.
'use strict';
const http = require('http');

http.createServer((request, response) => {
  response.setHeader('Content-Type', 'text/plain');
  response.end(request.url.split('?')[1] ?? '');
}).listen(Number(process.env.PORT), '127.0.0.1');
