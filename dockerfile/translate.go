package dockerfile

import (
	"fmt"

	"github.com/moby/buildkit/solver/pb"
)

// fileActions translates the actions of BuildKit's file operation.
func fileActions(actions []*pb.FileAction) ([]FileAction, error) {
	out := make([]FileAction, len(actions))
	for i, a := range actions {
		change, err := fileChange(a)
		if err != nil {
			return nil, err
		}
		out[i] = FileAction{Input: int(a.Input), Source: int(a.SecondaryInput), Output: int(a.Output), Change: change}
	}
	return out, nil
}

func fileChange(a *pb.FileAction) (FileChange, error) {
	switch act := a.Action.(type) {
	case *pb.FileAction_Copy:
		c := act.Copy
		return Copy{
			Src: c.Src, Dest: c.Dest, Owner: owner(c.Owner), Perm: int(c.Mode), ModeText: c.ModeStr,
			FollowSymlinks: c.FollowSymlink, ContentsOnly: c.DirCopyContents, Unpack: c.AttemptUnpackDockerCompatibility,
			Wildcard: c.AllowWildcard, AllowEmpty: c.AllowEmptyWildcard,
			Include: c.IncludePatterns, Exclude: c.ExcludePatterns, Required: c.RequiredPaths, Replace: c.AlwaysReplaceExistingDestPaths,
		}, nil
	case *pb.FileAction_Mkdir:
		m := act.Mkdir
		return Mkdir{Path: m.Path, Perm: int(m.Mode), Parents: m.MakeParents, Owner: owner(m.Owner)}, nil
	case *pb.FileAction_Mkfile:
		m := act.Mkfile
		return Mkfile{Path: m.Path, Perm: int(m.Mode), Data: m.Data, Owner: owner(m.Owner)}, nil
	case *pb.FileAction_Rm:
		return Remove{Path: act.Rm.Path, AllowMissing: act.Rm.AllowNotFound, Wildcard: act.Rm.AllowWildcard}, nil
	case *pb.FileAction_Symlink:
		l := act.Symlink
		return Symlink{Target: l.Oldpath, Path: l.Newpath, Owner: owner(l.Owner)}, nil
	default:
		return nil, fmt.Errorf("decoding an operation: unexpected file action %T", a.Action)
	}
}

func owner(o *pb.ChownOpt) *Owner {
	if o == nil {
		return nil
	}
	return &Owner{User: account(o.User), Group: account(o.Group)}
}

func account(u *pb.UserOpt) *Account {
	switch v := u.GetUser().(type) {
	case *pb.UserOpt_ByID:
		return &Account{ID: v.ByID}
	case *pb.UserOpt_ByName:
		return &Account{Named: true, Name: v.ByName.Name, Input: int(v.ByName.Input)}
	}
	return nil
}

var mountKinds = map[pb.MountType]MountKind{
	pb.MountType_BIND: MountBind, pb.MountType_SECRET: MountSecret, pb.MountType_SSH: MountSSH, pb.MountType_CACHE: MountCache,
	pb.MountType_TMPFS: MountTmpfs,
}

// command translates BuildKit's exec operation.
func command(e *pb.ExecOp) (*Exec, error) {
	out := &Exec{Args: e.Meta.GetArgs(), Env: e.Meta.GetEnv(), Dir: e.Meta.GetCwd(), User: e.Meta.GetUser()}
	for _, m := range e.Mounts {
		kind, ok := mountKinds[m.MountType]
		if !ok {
			return nil, fmt.Errorf("decoding an operation: unexpected mount of type %s", m.MountType)
		}
		out.Mounts = append(out.Mounts, Mount{
			Kind: kind, Input: int(m.Input), Selector: m.Selector, Dest: m.Dest, Output: int(m.Output), ReadOnly: m.Readonly,
		})
	}
	return out, nil
}
