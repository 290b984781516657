// The documentation's first server (ktor.io/docs/server-create-a-new-project.html, "Create an
// embedded server"), with the engine CIO; the port comes from the environment.
package com.example

import io.ktor.server.application.*
import io.ktor.server.cio.*
import io.ktor.server.engine.*
import io.ktor.server.response.*
import io.ktor.server.routing.*

fun main() {
    embeddedServer(CIO, port = System.getenv("PORT").toInt(), host = "127.0.0.1") {
        routing {
            get("/") {
                call.respondText("Hello World!")
            }
        }
    }.start(wait = true)
}
