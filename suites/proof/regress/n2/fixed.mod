module reactorspec.test/regress/n2

go 1.26

require (
	github.com/cloudwego/netpoll v0.5.0
	reactorspec.test/conversation v0.0.0
)

require github.com/bytedance/gopkg v0.0.0-20220413063733-65bf48ffb3a7 // indirect

replace reactorspec.test/conversation => ../../../../testdata/targets/conversation
