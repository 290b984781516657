module reactorspec.test/regress/n5

go 1.26

require (
	github.com/cloudwego/netpoll v0.6.1
	reactorspec.test/conversation v0.0.0
)

require github.com/bytedance/gopkg v0.0.0-20240507064146-197ded923ae3 // indirect

replace reactorspec.test/conversation => ../../../../testdata/targets/conversation
