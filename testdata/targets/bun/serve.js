// The query of a request comes back as the body, by Bun.serve.
Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.env.PORT),
  fetch: (request) => new Response(new URL(request.url).search.slice(1)),
});
