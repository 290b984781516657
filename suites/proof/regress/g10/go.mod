module reactorspec.test/regress/g10

go 1.26

require (
	github.com/panjf2000/gnet/v2 v2.2.6
	golang.org/x/sys v0.3.0
	reactorspec.test/conversation v0.0.0
)

require (
	go.uber.org/atomic v1.10.0 // indirect
	go.uber.org/multierr v1.8.0 // indirect
	go.uber.org/zap v1.21.0 // indirect
	gopkg.in/natefinch/lumberjack.v2 v2.0.0 // indirect
)

replace reactorspec.test/conversation => ../../../../testdata/targets/conversation
