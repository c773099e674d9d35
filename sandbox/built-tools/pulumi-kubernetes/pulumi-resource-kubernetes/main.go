// The Kubernetes provider of Pulumi, as its own main serves it. That one embeds two files which its module does not have: its
// build makes them of two others, which the module has, by adding a version. The sandbox's build gives these in their place.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var terraformMapping []byte

func main() {
	provider.Serve("kubernetes", version.Version, schema, terraformMapping)
}
