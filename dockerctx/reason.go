package dockerctx

import "fmt"

// Reason says why a line had its effect or none, and why a path is in the
// context or not.
type Reason int

// The reasons. The first group is used in a [Step], the second in a [Trail],
// DirectoryNotRead in both.
const (
	// Matches: the line was evaluated for this path, matched and turned the
	// verdict.
	Matches Reason = iota + 1
	// Inherited: the line matched a parent, which counts for everything below.
	Inherited
	// AlreadyExcluded: the path was excluded when the turn of this line came, so
	// that it was not evaluated, or had nothing to change.
	AlreadyExcluded
	// NotExcludedYet: a negation is evaluated only for a path that is excluded
	// when its turn comes. This one was not; and as nothing was recorded,
	// entries below inherit nothing from it.
	NotExcludedYet
	// Repeated: the line has no effect here, and an earlier line is the same
	// pattern.
	Repeated
	// DirectoryNotRead: a directory above is excluded, and BuildKit does not
	// enter it because no negation begins with its path.
	DirectoryNotRead

	// NoLineMatches: nothing excludes the path.
	NoLineMatches
	// Excluded: a line matches the path itself and has the last word.
	Excluded
	// ParentExcluded: the line with the last word matches a parent.
	ParentExcluded
	// Reincluded: a negation has the last word.
	Reincluded
	// Carried: the directory is excluded, but comes along with an entry in it
	// that is re-included.
	Carried
)

var reasons = map[Reason][2]string{
	Matches:          {"matches", "the line matches, and decides unless a later line matches, too"},
	Inherited:        {"inherited", "the line matched a parent directory, which counts for everything in it"},
	AlreadyExcluded:  {"already excluded", "the path was already excluded by an earlier line"},
	NotExcludedYet:   {"not excluded yet", "it is not excluded at that point, so there is nothing to re-include, and BuildKit does not apply the line to what is below"},
	Repeated:         {"repeated", "an earlier line has the same pattern, so this one has no effect"},
	DirectoryNotRead: {"directory not read", "a directory above is excluded and BuildKit does not enter it, so the line is never evaluated"},
	NoLineMatches:    {"no line matches", "no line of the ignore file excludes it"},
	Excluded:         {"excluded", "a line excludes it"},
	ParentExcluded:   {"parent excluded", "a line excludes a directory above it"},
	Reincluded:       {"re-included", "a negation re-includes it"},
	Carried:          {"carried", "it is excluded, but needed for a re-included entry in it"},
}

// String gives a short name.
func (r Reason) String() string {
	if text, ok := reasons[r]; ok {
		return text[0]
	}
	return fmt.Sprintf("Reason(%d)", int(r))
}

// Sentence says it to a person, without capital and full stop.
func (r Reason) Sentence() string {
	if text, ok := reasons[r]; ok {
		return text[1]
	}
	return r.String()
}
