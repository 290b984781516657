module reactorspec.test/regress/g12

go 1.26

require (
	github.com/panjf2000/gnet v1.0.0-rc.4
	reactorspec.test/conversation v0.0.0
)

require (
	github.com/libp2p/go-reuseport v0.0.1 // indirect
	github.com/pkg/errors v0.8.1 // indirect
	github.com/smallnest/goframe v0.0.0-20191101094441-1fbd8e51db18 // indirect
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	golang.org/x/sys v0.0.0-20190405154228-4b34438f7a67 // indirect
)

replace reactorspec.test/conversation => ../../../../testdata/targets/conversation
