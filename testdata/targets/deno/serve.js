// The query of a request comes back as the body, by Deno.serve.
Deno.serve(
  { hostname: '127.0.0.1', port: Number(Deno.env.get('PORT')), onListen() {} },
  (request) => new Response(new URL(request.url).search.slice(1)),
);
