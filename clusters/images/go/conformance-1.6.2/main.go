// Command conformance is the upstream Gateway API conformance suite as a program: its own tests,
// manifests and flags, with its pods of images that a lab has.
package main

import (
	"flag"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
)

var (
	images    = flag.String("images", "", "references, parted by commas: each takes the place of what the suite's manifests have from a repository of its name")
	reference = regexp.MustCompile(`(image: )(\S+)`)
)

// manifests are the suite's own, with other images.
type manifests struct {
	fs.ReadFileFS
	byName map[string]string
}

// ReadFile is what the suite reads its manifests by.
func (m manifests) ReadFile(file string) ([]byte, error) {
	text, err := m.ReadFileFS.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return reference.ReplaceAllFunc(text, func(line []byte) []byte {
		if given, ok := m.byName[name(strings.TrimPrefix(string(line), "image: "))]; ok {
			return []byte("image: " + given)
		}
		return line
	}), nil
}

// name is the last part of a reference's repository.
func name(reference string) string {
	repository, _, _ := strings.Cut(path.Base(reference), ":")
	return repository
}

func run(t *testing.T) {
	byName := map[string]string{}
	for _, each := range strings.FieldsFunc(*images, func(r rune) bool { return r == ',' }) {
		byName[name(each)] = each
	}
	options := conformance.DefaultOptions(t)
	options.ManifestFS = []fs.FS{manifests{&conformance.Manifests, byName}}
	conformance.RunConformanceWithOptions(t, options)
}

func main() {
	match := func(pattern, name string) (bool, error) { return regexp.MatchString(pattern, name) }
	testing.Main(match, []testing.InternalTest{{Name: "Conformance", F: run}}, nil, nil)
}
