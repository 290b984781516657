module reactorspec.test/regress/b10

go 1.26

require (
	github.com/lesismal/nbio v1.3.10
	reactorspec.test/conversation v0.0.0
)

replace reactorspec.test/conversation => ../../../../testdata/targets/conversation
