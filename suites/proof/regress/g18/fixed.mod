module reactorspec.test/regress/g18

go 1.26

require (
	github.com/panjf2000/gnet/v2 v2.5.4
	reactorspec.test/conversation v0.0.0
)

require (
	github.com/valyala/bytebufferpool v1.0.0 // indirect
	go.uber.org/atomic v1.7.0 // indirect
	go.uber.org/multierr v1.6.0 // indirect
	go.uber.org/zap v1.21.0 // indirect
	golang.org/x/sync v0.7.0 // indirect
	golang.org/x/sys v0.21.0 // indirect
	gopkg.in/natefinch/lumberjack.v2 v2.2.1 // indirect
)

replace reactorspec.test/conversation => ../../../../testdata/targets/conversation
