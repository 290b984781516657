// The echo server of sample.js, which goes on accepting where one accept failed: the
// iterator of a listener ends with the first error.
const listener = Deno.listen({ hostname: '127.0.0.1', port: Number(Deno.env.get('PORT')) });
for (;;) {
  try {
    const conn = await listener.accept();
    conn.readable.pipeTo(conn.writable).catch(() => {});
  } catch (error) {
    if (error instanceof Deno.errors.NotConnected) continue; // that client has left
    await new Promise((later) => setTimeout(later, 100)); // out of descriptors: a rest
  }
}
