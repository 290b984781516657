module reactorspec.test/regress/e1

go 1.26

require (
	github.com/kavu/go_reuseport v1.5.0 // indirect
	github.com/tidwall/evio v1.0.3
	reactorspec.test/conversation v0.0.0
)

replace reactorspec.test/conversation => ../../../../testdata/targets/conversation
