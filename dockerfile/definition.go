package dockerfile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// operations turns a definition into operations. A definition lists its operations in topological order, each known by
// the digest of its bytes; the last one only names the output that is the result.
type operations struct {
	def     *pb.Definition
	outline *outline
	req     *request
	images  *images

	ids      map[string]int // by digest
	ops      []*Op
	homeless []bool // by operation: it has no location of its own
}

// build converts everything. Target is the FROM of the stage that is compiled.
func (o *operations) build(target Location) (result OutputRef, err error) {
	result = Scratch
	o.ids = make(map[string]int, len(o.def.Def))
	for _, data := range o.def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(data); err != nil {
			return Scratch, fmt.Errorf("decoding an operation: %w", err)
		}
		inputs, err := o.inputs(&op)
		if err != nil {
			return Scratch, err
		}
		if op.Op == nil {
			if len(inputs) == 1 {
				result = inputs[0]
			}
			continue
		}
		dgst := digest.FromBytes(data).String()
		out, err := o.convert(&op, inputs)
		if err != nil {
			return Scratch, err
		}
		out.ID = len(o.ops)
		out.Location, out.Also = o.locations(dgst)
		out.Description = o.req.standIns.restore(o.def.Metadata[dgst].GetDescription()["llb.customname"])
		if out.Location.IsZero() {
			out.Location = o.outline.fromContext(out.Description)
		}
		if _, trigger, ok := strings.Cut(out.Description, "] ONBUILD "); ok {
			out.Location.Trigger = fold(trigger)
		}
		if p := op.Platform; p != nil {
			out.Platform = platforms.FormatAll(ocispecs.Platform{
				OS: p.OS, Architecture: p.Architecture, Variant: p.Variant, OSVersion: p.OSVersion, OSFeatures: p.OSFeatures,
			})
		}
		o.ids[dgst] = out.ID
		o.ops = append(o.ops, out)
		o.homeless = append(o.homeless, out.Location.IsZero())
	}
	if result.Op >= 0 && o.homeless[result.Op] {
		o.ops[result.Op].Location = target
	}
	o.inheritLocations()
	return result, nil
}

func (o *operations) inputs(op *pb.Op) ([]OutputRef, error) {
	refs := make([]OutputRef, 0, len(op.Inputs))
	for _, in := range op.Inputs {
		id, ok := o.ids[in.Digest]
		if !ok {
			return nil, fmt.Errorf("decoding an operation: input %s comes later or is missing", in.Digest)
		}
		refs = append(refs, OutputRef{Op: id, Index: int(in.Index)})
	}
	return refs, nil
}

// locations gives the instructions that BuildKit recorded for an operation. Two that do the same share an operation, which
// then has several: the first one counts.
func (o *operations) locations(dgst string) (first Location, also []Location) {
	if o.def.Source == nil || o.def.Source.Locations[dgst] == nil {
		return Location{}, nil
	}
	for _, l := range o.def.Source.Locations[dgst].Locations {
		var ranges []parser.Range
		for _, r := range l.Ranges {
			ranges = append(ranges, parser.Range{
				Start: parser.Position{Line: int(r.Start.GetLine())},
				End:   parser.Position{Line: int(r.End.GetLine())},
			})
		}
		switch {
		case len(ranges) == 0:
		case first.IsZero():
			first = o.outline.at(ranges)
		default:
			if at := o.outline.at(ranges); at != first && !slices.Contains(also, at) {
				also = append(also, at)
			}
		}
	}
	return first, also
}

// inheritLocations gives operations without a location (local sources, URLs of ADD, the files of heredocs, cache mounts)
// that of the first operation that uses them.
func (o *operations) inheritLocations() {
	for i := len(o.ops) - 1; i >= 0; i-- {
		// Going backwards, every user of an operation has its location by now; earlier users overwrite later ones.
		for _, in := range o.ops[i].Inputs {
			if in.Op >= 0 && o.homeless[in.Op] {
				o.ops[in.Op].Location = o.ops[i].Location
			}
		}
	}
}

func (o *operations) convert(op *pb.Op, inputs []OutputRef) (out *Op, err error) {
	out = &Op{Inputs: inputs}
	pick := func(i int64) OutputRef {
		if i < 0 || i >= int64(len(inputs)) {
			return Scratch
		}
		return inputs[i]
	}
	switch v := op.Op.(type) {
	case *pb.Op_Source:
		err = o.convertSource(v.Source, out)
	case *pb.Op_File:
		out.Kind = OpFile
		out.File, err = fileActions(v.File.Actions)
	case *pb.Op_Exec:
		out.Kind = OpExec
		out.Exec, err = command(v.Exec)
	case *pb.Op_Merge:
		out.Kind, out.Inputs = OpMerge, nil
		for _, in := range v.Merge.Inputs {
			out.Inputs = append(out.Inputs, pick(in.Input))
		}
	case *pb.Op_Diff:
		out.Kind = OpDiff
		out.Inputs = []OutputRef{pick(v.Diff.Lower.GetInput()), pick(v.Diff.Upper.GetInput())}
	default:
		return nil, fmt.Errorf("decoding an operation: unexpected kind %T", op.Op)
	}
	return out, err
}

func (o *operations) convertSource(src *pb.SourceOp, out *Op) error {
	scheme, rest, ok := strings.Cut(src.Identifier, "://")
	if !ok {
		return fmt.Errorf("decoding a source: no scheme in %q", src.Identifier)
	}
	switch scheme {
	case "local":
		local := &LocalSource{Name: rest, Dir: o.req.dirs[rest]}
		for key, list := range map[string]*[]string{
			pb.AttrFollowPaths: &local.FollowPaths, pb.AttrExcludePatterns: &local.ExcludePatterns,
		} {
			if v := src.Attrs[key]; v != "" {
				if err := json.Unmarshal([]byte(v), list); err != nil {
					return fmt.Errorf("decoding %s: %w", key, err)
				}
			}
		}
		out.Kind, out.Local = OpLocal, local
	case "docker-image", "oci-layout":
		out.Kind, out.Image = OpImage, o.images.source(rest)
	case "git":
		url := src.Attrs[pb.AttrFullRemoteURL]
		if url == "" {
			url = src.Identifier
		}
		if original, ok := o.req.standIns.original(url); ok {
			url, src.Attrs[pb.AttrFullRemoteURL] = original, original
		}
		out.Kind, out.Remote = OpRemote, &RemoteSource{Kind: scheme, URL: url, Attrs: src.Attrs}
	case "http", "https":
		out.Kind = OpRemote
		out.Remote = &RemoteSource{Kind: "http", URL: src.Identifier, Filename: src.Attrs[pb.AttrHTTPFilename], Attrs: src.Attrs}
	default:
		return fmt.Errorf("decoding a source: unknown scheme in %q", src.Identifier)
	}
	return nil
}
