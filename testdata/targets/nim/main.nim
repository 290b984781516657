## An RFC 862 echo server on Nim's asyncnet. It goes on where accept fails.
import std/[asyncdispatch, asyncnet, nativesockets, os, strutils]

proc serve(client: AsyncSocket) {.async.} =
  try:
    while true:
      let data = await client.recv(65536)
      if data.len == 0:
        break
      await client.send(data)
  except OSError:
    discard
  client.close()

proc main() {.async.} =
  let server = newAsyncSocket(buffered = false)
  server.setSockOpt(OptReuseAddr, true)
  server.bindAddr(Port(parseInt(getEnv("PORT"))), "127.0.0.1")
  server.listen(4096)
  while true:
    try:
      asyncCheck serve(await server.accept(flags = {}))
    except OSError:
      await sleepAsync(100)

waitFor main()
