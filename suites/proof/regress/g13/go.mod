module reactorspec.test/regress/g13

go 1.26

require (
	github.com/panjf2000/gnet v1.0.0-rc.3
	reactorspec.test/conversation v0.0.0
)

require (
	github.com/gobwas/pool v0.2.0 // indirect
	github.com/libp2p/go-reuseport v0.0.1 // indirect
	github.com/pkg/errors v0.8.1 // indirect
	golang.org/x/sys v0.0.0-20190312061237-fead79001313 // indirect
)

replace reactorspec.test/conversation => ../../../../testdata/targets/conversation
