module reactorspec.test/gaio

go 1.26

require (
	github.com/xtaci/gaio v1.2.34
	reactorspec.test/conversation v0.0.0
)

require golang.org/x/sys v0.28.0 // indirect

replace reactorspec.test/conversation => ../conversation
