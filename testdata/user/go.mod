module github.com/reactorspec/reactorspec/testdata/user

go 1.26.0

require github.com/reactorspec/reactorspec v0.0.0

require (
	github.com/goccy/go-yaml v1.19.2 // indirect
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/onsi/gomega v1.44.0 // indirect
	github.com/prometheus/procfs v0.23.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/net v0.56.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.38.0 // indirect
	pgregory.net/rapid v1.3.0 // indirect
)

replace github.com/reactorspec/reactorspec => ../..
