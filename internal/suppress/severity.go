package suppress

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/policy"
)

// Severities gives findings the severity that the configuration has for their rule, and drops those of rules that are off.
// known are the names that rules may have; another one is an error with its line.
func Severities(images []finding.ImageReport, file *policy.File, known func(string) bool) error {
	if file == nil || len(file.Severities) == 0 {
		return nil
	}
	severity := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(file.Severities)) {
		if !known(name) {
			return &policy.Error{File: file.Name, Line: file.Line("severities", name), Message: fmt.Sprintf("there is no rule %q", name)}
		}
		severity[strings.ToLower(name)] = file.Severities[name]
	}
	for i := range images {
		img := &images[i]
		kept := []finding.Finding{}
		for _, f := range img.Findings {
			switch s := severity[strings.ToLower(f.Rule)]; s {
			case "":
			case "off":
				continue
			default:
				f.Severity = finding.Severity(s)
			}
			kept = append(kept, f)
		}
		slices.SortStableFunc(kept, finding.Compare)
		img.Findings = kept
	}
	return nil
}
