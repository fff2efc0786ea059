module github.com/seed82d84382/commerce/examples/peerbench

go 1.26.0

require (
	github.com/schollz/progressbar/v3 v3.19.1
	github.com/seed82d84382/commerce v0.0.0
	github.com/seed82d84382/commerce/examples v0.0.0
	github.com/stretchr/testify v1.12.1
)

require (
	github.com/mitchellh/colorstring v0.0.0-20190213212951-d06e56a500db // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/image v0.47.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/term v0.47.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace (
	github.com/seed82d84382/commerce => ../../
	github.com/seed82d84382/commerce/examples => ../
)
