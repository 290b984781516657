module reactorspec.test/regress/n12

go 1.26

require (
	github.com/cloudwego/netpoll v0.0.4
	reactorspec.test/conversation v0.0.0
)

require github.com/bytedance/gopkg v0.0.0-20210705062217-74c74ebadcae // indirect

replace reactorspec.test/conversation => ../../../../testdata/targets/conversation
