// The query of a request comes back as the body, by Fastify.
'use strict';
const fastify = require('fastify')();

fastify.get('/echo', async (request, reply) => {
  reply.type('text/plain');
  return request.url.split('?')[1] ?? '';
});
fastify.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
