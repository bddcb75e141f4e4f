package finding

import "slices"

// blame are the roles of lines that are at fault, the surest first.
var blame = []Role{RoleExcludes, RoleWithholds, RoleRemoves, RoleGitIgnores}

// Blamed gives the index in Related of the line that is at fault; ok is false if that is the subject, or none that is known.
func (f Finding) Blamed() (index int, ok bool) {
	for _, role := range blame {
		if i := slices.IndexFunc(f.Related, func(p Place) bool { return p.Role == role && p.File != "" && p.Line > 0 }); i >= 0 {
			return i, true
		}
	}
	return 0, false
}
