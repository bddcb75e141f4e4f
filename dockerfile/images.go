package dockerfile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// ImageResolver knows the configuration of some images.
type ImageResolver interface {
	// ResolveImageConfig gives the configuration of an image as JSON (a docker or OCI image config). Ref is a normalized
	// reference with its tag, such as docker.io/library/alpine:latest, platform as in linux/amd64. An image that is not
	// known is no error, and its configuration may be given all the same: with the settings that are certain. It may be called from
	// several goroutines at once.
	ResolveImageConfig(ctx context.Context, ref, platform string) (config []byte, known bool, err error)
}

// extraResolutions bounds how often one compilation may ask for images beyond the number of the instructions. BuildKit asks again for every reference, and has no
// end when an ONBUILD trigger of an image copies from that same image: each round adds a stage that has the trigger again
// (dockerfile2llb's resolveStages).
const extraResolutions = 1_000

var errTooManyImages = errors.New("the build refers to images without end: an ONBUILD trigger of an image copies from the same image")

// images answers BuildKit's questions about images, remembering which were known.
type images struct {
	resolver ImageResolver
	limit    int // how often it may be asked

	mu    sync.Mutex
	count int
	known map[string]bool // by reference, as BuildKit asks for it; false for those of which only some settings are known

	triggers map[string]string // what BuildKit is given in the place of a trigger, see guard
}

func newImages(resolver ImageResolver) *images {
	return &images{resolver: resolver, known: map[string]bool{}, triggers: map[string]string{}}
}

// Resolve gives the configuration of an image, empty for an unknown one.
func (im *images) Resolve(ctx context.Context, ref string, opt sourceresolver.Opt, build ocispecs.Platform) (string, digest.Digest, []byte, error) {
	if err := ctx.Err(); err != nil {
		return "", "", nil, err
	}
	im.mu.Lock()
	im.count++
	tooMany := im.count > im.limit
	im.mu.Unlock()
	if tooMany {
		return "", "", nil, errTooManyImages
	}

	platform := build
	switch {
	case opt.ImageOpt != nil && opt.ImageOpt.Platform != nil:
		platform = *opt.ImageOpt.Platform
	case opt.OCILayoutOpt != nil && opt.OCILayoutOpt.Platform != nil:
		platform = *opt.OCILayoutOpt.Platform
	}
	config, known, err := im.ask(ctx, ref, platforms.FormatAll(platforms.Normalize(platform)))
	if err != nil {
		return "", "", nil, err
	}
	im.mu.Lock()
	if len(config) > 0 {
		im.known[ref] = im.known[ref] || known
	}
	im.mu.Unlock()
	if len(config) == 0 {
		config = []byte("{}")
	}
	config, err = withRootFS(config, platform)
	if err == nil {
		config, err = im.withTriggers(config)
	}
	if err != nil {
		return "", "", nil, fmt.Errorf("reading the configuration of image %s: %w", ref, err)
	}
	return ref, "", config, nil
}

func (im *images) ask(ctx context.Context, ref, platform string) (config []byte, known bool, err error) {
	if im.resolver == nil {
		return nil, false, nil
	}
	// BuildKit resolves images in goroutines of its own, where Compile cannot catch a panic.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("resolving image %s: panic: %v", ref, p)
		}
	}()
	return im.resolver.ResolveImageConfig(ctx, ref, platform)
}

// source gives an image with what is known of it.
func (im *images) source(ref string) *ImageSource {
	im.mu.Lock()
	defer im.mu.Unlock()
	known, some := im.known[ref]
	return &ImageSource{Ref: ref, Known: known, Partly: some && !known}
}

// withRootFS completes a configuration that says nothing about layers or platform: BuildKit takes an image without
// layers and history for scratch and drops its source from the graph (dockerfile2llb's resolveBaseImage), and warns of an
// image of another platform.
func withRootFS(config []byte, platform ocispecs.Platform) ([]byte, error) {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(config, &fields); err != nil {
		return nil, err
	}
	if fields == nil {
		fields = map[string]json.RawMessage{}
	}
	set := func(key string, value any) error {
		if _, ok := fields[key]; ok {
			return nil
		}
		data, err := json.Marshal(value)
		fields[key] = data
		return err
	}
	err := errors.Join(
		set("rootfs", ocispecs.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromString("unknown")}}),
		set("os", platform.OS),
		set("architecture", platform.Architecture),
	)
	if err != nil {
		return nil, err
	}
	return json.Marshal(fields)
}

// withTriggers gives a configuration with what is to be handed over in the place of its triggers.
func (im *images) withTriggers(config []byte) ([]byte, error) {
	if len(im.triggers) == 0 {
		return config, nil
	}
	image, settings, triggers := map[string]json.RawMessage{}, map[string]json.RawMessage{}, []string{}
	if json.Unmarshal(config, &image) != nil || json.Unmarshal(image["config"], &settings) != nil || json.Unmarshal(settings["OnBuild"], &triggers) != nil {
		return config, nil // the front end reads no trigger there either
	}
	for i, t := range triggers {
		if given, ok := im.triggers[t]; ok {
			triggers[i] = given
		}
	}
	var err, err2, err3 error
	settings["OnBuild"], err = json.Marshal(triggers)
	image["config"], err2 = json.Marshal(settings)
	config, err3 = json.Marshal(image)
	return config, errors.Join(err, err2, err3)
}
