// The TCP echo server of Deno's documentation, "TCP echo server".
const listener = Deno.listen({ hostname: '127.0.0.1', port: Number(Deno.env.get('PORT')) });
for await (const conn of listener) {
  conn.readable.pipeTo(conn.writable).catch(() => {});
}
