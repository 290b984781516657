module reactorspec.test/regress/g8

go 1.26

require (
	github.com/panjf2000/gnet/v2 v2.0.2
	reactorspec.test/conversation v0.0.0
)

require (
	go.uber.org/atomic v1.9.0 // indirect
	go.uber.org/multierr v1.7.0 // indirect
	go.uber.org/zap v1.21.0 // indirect
	golang.org/x/sys v0.0.0-20220224120231-95c6836cb0e7 // indirect
	gopkg.in/natefinch/lumberjack.v2 v2.0.0 // indirect
)

replace reactorspec.test/conversation => ../../../../testdata/targets/conversation
