// Command hertz answers with the query of a request, by Hertz on netpoll.
package main

import (
	"context"
	"os"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/app/server"
	"github.com/cloudwego/hertz/pkg/common/hlog"
)

func main() {
	hlog.SetLevel(hlog.LevelError)
	h := server.New(server.WithHostPorts("127.0.0.1:" + os.Getenv("PORT")))
	h.GET("/echo", func(_ context.Context, c *app.RequestContext) {
		c.Data(200, "text/plain", c.URI().QueryString())
	})
	h.Spin()
}
