// The query of a request comes back as the body, by Koa.
'use strict';
const Koa = require('koa');

const app = new Koa();
app.use((context) => {
  context.type = 'text/plain';
  context.body = context.querystring;
});
app.listen(Number(process.env.PORT), '127.0.0.1');
