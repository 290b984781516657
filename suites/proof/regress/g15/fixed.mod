module reactorspec.test/regress/g15

go 1.26

require (
	github.com/panjf2000/gnet v1.2.7
	reactorspec.test/conversation v0.0.0
)

require (
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	go.uber.org/atomic v1.6.0 // indirect
	go.uber.org/multierr v1.5.0 // indirect
	go.uber.org/zap v1.15.0 // indirect
	golang.org/x/sys v0.0.0-20200625212154-ddb9806d33ae // indirect
)

replace reactorspec.test/conversation => ../../../../testdata/targets/conversation
