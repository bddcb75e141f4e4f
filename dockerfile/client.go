package dockerfile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// gateway is the BuildKit that the front end talks to: it has every capability, serves files of the local sources, and
// never executes anything.
type gateway struct {
	req     *request
	opts    map[string]string // the front end's own copy
	images  *images
	forward bool // stands for a front end that runs as an image, see readFile

	mu     sync.Mutex
	reads  map[fileRef][]byte // the files that were read; nil for those that were not there
	failed error              // why a solve failed, which dockerui's errors may not tell
}

const gzipMagic = "\x1f\x8b\x08"

// fileRef is a file of a local source.
type fileRef struct{ source, name string }

var _ client.Client = (*gateway)(nil)

func newGateway(req *request, images *images) *gateway {
	return &gateway{req: req, opts: req.options(), images: images, reads: map[fileRef][]byte{}}
}

func (g *gateway) BuildOpts() client.BuildOpts {
	return client.BuildOpts{
		Opts:      g.opts,
		SessionID: "ctxaudit",
		Workers:   []client.WorkerInfo{{ID: "ctxaudit", Platforms: []ocispecs.Platform{g.req.platform}}},
		LLBCaps:   pb.Caps.CapSet(pb.Caps.All()),
		Caps:      gwpb.Caps.CapSet(gwpb.Caps.All()),
	}
}

func (g *gateway) Inputs(context.Context) (map[string]llb.State, error) { return nil, nil }

func (g *gateway) NewContainer(context.Context, client.NewContainerRequest) (client.Container, error) {
	return nil, errNotSolved
}

// Warn is not used: the lints come through dockerfile2llb's own callback, which tells their rule apart from their text.
func (g *gateway) Warn(context.Context, digest.Digest, string, client.WarnOpts) error { return nil }

func (g *gateway) ResolveImageConfig(ctx context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return g.images.Resolve(ctx, ref, opt, g.req.platform)
}

// ResolveSourceMetadata is asked for dates (SOURCE_DATE_EPOCH) only. An empty answer means that there is none.
func (g *gateway) ResolveSourceMetadata(_ context.Context, op *pb.SourceOp, _ sourceresolver.Opt) (*sourceresolver.MetaResponse, error) {
	return &sourceresolver.MetaResponse{Op: op}, nil
}

// Solve answers the small solves with which dockerui reads the Dockerfile, the ignore files, and the beginning of a main
// context that comes over HTTP.
func (g *gateway) Solve(ctx context.Context, req client.SolveRequest) (*client.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if req.Frontend != "" || req.Definition == nil {
		return nil, errNotSolved
	}
	source, err := soleSource(req.Definition)
	if err != nil {
		return nil, err
	}
	res := client.NewResult()
	name, isLocal := strings.CutPrefix(source.Identifier, "local://")
	if !isLocal {
		// dockerui looks for the magic number of an archive in a main context that comes over HTTP. With a Dockerfile from
		// elsewhere nothing but an archive can be built: it would take a plain file for the Dockerfile itself.
		res.SetRef(filesReference(map[string][]byte{source.Attrs[pb.AttrHTTPFilename]: []byte(gzipMagic)}))
		return res, nil
	}
	ref, err := g.local(name)
	if err != nil {
		return nil, err
	}
	var paths []string
	if v := source.Attrs[pb.AttrFollowPaths]; v != "" {
		if err := json.Unmarshal([]byte(v), &paths); err != nil {
			return nil, fmt.Errorf("reading followpaths: %w", err)
		}
	}
	for _, p := range paths {
		if err := checkReadable(ref, p); err != nil {
			g.fail(err)
			return nil, err
		}
	}
	res.SetRef(g.recorded(name, ref))
	return res, nil
}

func (g *gateway) local(name string) (*fileReference, error) {
	if name == localDockerfile && g.req.stdin != nil {
		return filesReference(g.req.stdin), nil
	}
	dir, ok := g.req.dirs[name]
	if !ok {
		return nil, fmt.Errorf("local source %q is not offered", name)
	}
	fsys, err := g.req.opt.Open(dir)
	if err != nil {
		return nil, err
	}
	return fsReference(fsys), nil
}

// recorded remembers which files were read.
func (g *gateway) recorded(source string, ref *fileReference) *fileReference {
	return &fileReference{
		read: func(name string) ([]byte, error) {
			if g.req.opt.Fetched && strings.HasSuffix(name, ignoreSuffix) && (source == localContext || source == localDockerfile) {
				return nil, fs.ErrNotExist // dockerui asks for none of a context that it fetches
			}
			data, err := ref.read(name)
			if err == nil && len(data) == 0 && g.forward && strings.HasSuffix(name, ignoreSuffix) {
				// A front end that runs as an image reads over gRPC, where empty bytes arrive as nil, which dockerui
				// takes for absence: an empty Dockerfile.dockerignore then gives way to .dockerignore.
				data = nil
			}
			g.mu.Lock()
			g.reads[fileRef{source, name}] = data
			g.mu.Unlock()
			return data, err
		},
		stat: func(name string) (*fstypes.Stat, error) { return ref.stat(name) },
	}
}

// wasRead tells whether a file was asked for and was there.
func (g *gateway) wasRead(source, name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.reads[fileRef{source, name}] != nil
}

// readIgnoreFile is an ignore file that was read.
type readIgnoreFile struct {
	fileRef
	data []byte
}

// ignoreFiles are the ignore files that were read, in a fixed order.
func (g *gateway) ignoreFiles() []readIgnoreFile {
	g.mu.Lock()
	defer g.mu.Unlock()
	var files []readIgnoreFile
	for ref, data := range g.reads {
		if data != nil && strings.HasSuffix(ref.name, ignoreSuffix) {
			files = append(files, readIgnoreFile{ref, data})
		}
	}
	slices.SortFunc(files, func(a, b readIgnoreFile) int { return strings.Compare(a.source+"/"+a.name, b.source+"/"+b.name) })
	return files
}

func (g *gateway) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed == nil {
		g.failed = err
	}
}

// failure is the first failure of a solve that has to do with this machine's files and not with the Dockerfile.
func (g *gateway) failure() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failed
}

func soleSource(def *pb.Definition) (*pb.SourceOp, error) {
	for _, data := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(data); err != nil {
			return nil, fmt.Errorf("decoding an operation: %w", err)
		}
		if s := op.GetSource(); s != nil {
			return s, nil
		}
	}
	return nil, errors.New("solve without a source")
}
