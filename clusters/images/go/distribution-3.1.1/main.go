// Command registry is the CNCF distribution registry with the one storage driver
// that a container needs, and passwords. Most of the stock build's time goes into the SDKs of
// clouds that a registry on a disk never calls.
package main

import (
	"os"

	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

func main() {
	if registry.RootCmd.Execute() != nil {
		os.Exit(1)
	}
}
