// Node's own HTTP server: main.js PORT KIND
//
//   chunks    a chunk for each byte
//   trailer   one chunk, and a trailer behind it
//   closing   keep-alive switched off: Connection: close in each reply
//   slow      a millisecond of work for each request
const http = require("http");
const [port, kind] = [Number(process.argv[2]), process.argv[3]];

http.createServer((request, response) => {
  const query = request.url.split("?")[1] || "";
  switch (kind) {
    case "chunks":
      for (const c of query) response.write(c);
      response.end();
      break;
    case "trailer":
      response.setHeader("Trailer", "Done");
      response.write(query);
      response.addTrailers({ Done: "yes" });
      response.end();
      break;
    case "closing":
      response.shouldKeepAlive = false;
      response.end(query);
      break;
    default: {
      const done = process.hrtime.bigint() + 1000000n;
      while (process.hrtime.bigint() < done);
      response.end(query);
    }
  }
}).listen(port, "127.0.0.1", 1024);
