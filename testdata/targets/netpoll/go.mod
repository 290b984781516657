module reactorspec.test/netpoll

go 1.26

require (
	github.com/cloudwego/netpoll v0.7.2
	reactorspec.test/conversation v0.0.0
)

require (
	github.com/bytedance/gopkg v0.1.1 // indirect
	github.com/cloudwego/gopkg v0.1.4 // indirect
)

replace reactorspec.test/conversation => ../conversation
