package imagetest

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Image makes an image out of a text: a line `config JSON` with the settings of its configuration, and for each layer a line
// `layer FORMAT [CREATED-BY]` with the lines of [Archive] below it. Lines that begin with # say something. What makes it is not what reads it.
func Image(text string) (v1.Image, error) {
	image := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	image = mutate.ConfigMediaType(image, types.OCIConfigJSON)
	file := &v1.ConfigFile{OS: "linux", Architecture: "amd64"}
	var layers [][3]string // format, what made it, lines
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "" || strings.HasPrefix(word, "#"):
		case word == "config":
			if err := json.Unmarshal([]byte(rest), &file.Config); err != nil {
				return nil, fmt.Errorf("reading the configuration: %w", err)
			}
		case word == "architecture":
			file.Architecture = rest
		case word == "builder": // the version of Docker, which only its old builder writes down
			//lint:ignore SA1019 the field is deprecated as the builder is, and no other one writes it
			file.DockerVersion = rest
		case word == "layer":
			format, by, _ := strings.Cut(rest, " ")
			layers = append(layers, [3]string{format, by})
		case len(layers) == 0:
			return nil, fmt.Errorf("reading %q: it is of no layer", line)
		default:
			layers[len(layers)-1][2] += line
		}
	}
	image, err := mutate.ConfigFile(image, file)
	for _, l := range layers {
		if err != nil {
			return nil, err
		}
		var layer v1.Layer
		if layer, err = makeLayer(l[0], l[2]); err == nil {
			image, err = mutate.Append(image, mutate.Addendum{Layer: layer, History: v1.History{CreatedBy: l[1]}})
		}
	}
	return image, err
}

func makeLayer(format, list string) (v1.Layer, error) {
	if strings.TrimSpace(list) == "" {
		list = "empty"
	}
	data, err := Archive(format, list)
	if err != nil {
		return nil, err
	}
	if format == "plain" {
		return static.NewLayer(data, types.OCIUncompressedLayer), nil
	}
	media := map[string]types.MediaType{"gzip": types.OCILayer, "zstd": types.OCILayerZStd}[format]
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }, tarball.WithMediaType(media))
}

// Write writes images as a layout (layout), as one in an archive (archive), or as docker save does (saved), by their names.
func Write(kind, file string, images map[string]v1.Image) error {
	switch kind {
	case "layout":
		p, err := layout.Write(file, empty.Index)
		for ref, image := range images {
			if err == nil {
				err = appendImage(p, ref, image)
			}
		}
		return err
	case "archive":
		dir, err := os.MkdirTemp("", "imagetest-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if err := Write("layout", dir, images); err != nil {
			return err
		}
		return pack(dir, file)
	case "saved":
		tagged := map[name.Reference]v1.Image{}
		for ref, image := range images {
			n, err := name.NewTag(ref)
			if err != nil {
				return err
			}
			tagged[n] = image
		}
		return tarball.MultiRefWriteToFile(file, tagged)
	}
	return fmt.Errorf("unknown kind of image %q", kind)
}

func appendImage(p layout.Path, ref string, image v1.Image) error {
	config, err := image.ConfigFile()
	if err != nil {
		return err
	}
	return p.AppendImage(image, layout.WithPlatform(v1.Platform{OS: config.OS, Architecture: config.Architecture}),
		layout.WithAnnotations(map[string]string{"io.containerd.image.name": ref}))
}

// pack makes an archive of a directory.
func pack(dir, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := tar.NewWriter(f)
	err = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: filepath.ToSlash(rel), Mode: 0o644, Size: int64(len(data)), Typeflag: tar.TypeReg}); err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
	if err == nil {
		err = w.Close()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}
