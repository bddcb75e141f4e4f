package report

import (
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/ctxaudit/ctxaudit/internal/finding"
)

// The part of SARIF 2.1.0 that an audit needs. github.com/owenrumney/go-sarif was weighed against it: it adds 2.3 MB to
// the binary, most of it a JSON schema validator, and writes twenty empty members into every result.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		ColumnKind  string            `json:"columnKind"`
		Results     []sarifResult     `json:"results"`
		Invocations []sarifInvocation `json:"invocations,omitempty"`
	}
	sarifInvocation struct {
		ExecutionSuccessful bool                `json:"executionSuccessful"`
		Notifications       []sarifNotification `json:"toolExecutionNotifications"`
	}
	sarifNotification struct {
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID                   string         `json:"id"`
		HelpURI              string         `json:"helpUri,omitempty"`
		ShortDescription     sarifText      `json:"shortDescription"`
		FullDescription      sarifText      `json:"fullDescription"`
		Help                 sarifText      `json:"help"`
		DefaultConfiguration sarifConfig    `json:"defaultConfiguration"`
		Properties           map[string]any `json:"properties,omitempty"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifResult struct {
		RuleID              string             `json:"ruleId"`
		RuleIndex           int                `json:"ruleIndex"`
		Level               string             `json:"level"`
		Message             sarifText          `json:"message"`
		Locations           []sarifLocation    `json:"locations"`
		RelatedLocations    []sarifLocation    `json:"relatedLocations,omitempty"`
		CodeFlows           []sarifCodeFlow    `json:"codeFlows,omitempty"`
		PartialFingerprints map[string]string  `json:"partialFingerprints"`
		Fixes               []sarifFix         `json:"fixes,omitempty"`
		Suppressions        []sarifSuppression `json:"suppressions,omitempty"`
		Properties          map[string]any     `json:"properties,omitempty"`
	}
	sarifCodeFlow struct {
		ThreadFlows []sarifThreadFlow `json:"threadFlows"`
	}
	sarifThreadFlow struct {
		Locations []sarifStep `json:"locations"`
	}
	sarifStep struct {
		Location sarifLocation `json:"location"`
	}
	sarifSuppression struct {
		Kind          string         `json:"kind"`
		Justification string         `json:"justification"`
		Location      *sarifLocation `json:"location,omitempty"`
	}
	sarifLocation struct {
		ID               *int          `json:"id,omitempty"`
		PhysicalLocation sarifPhysical `json:"physicalLocation"`
		Message          *sarifText    `json:"message,omitempty"`
	}
	sarifPhysical struct {
		ArtifactLocation sarifArtifact `json:"artifactLocation"`
		Region           *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int        `json:"startLine"`
		StartColumn int        `json:"startColumn,omitempty"`
		EndLine     int        `json:"endLine,omitempty"`
		EndColumn   int        `json:"endColumn,omitempty"`
		Snippet     *sarifText `json:"snippet,omitempty"`
	}
	sarifFix struct {
		Description     sarifText     `json:"description"`
		ArtifactChanges []sarifChange `json:"artifactChanges"`
	}
	sarifChange struct {
		ArtifactLocation sarifArtifact      `json:"artifactLocation"`
		Replacements     []sarifReplacement `json:"replacements"`
	}
	sarifReplacement struct {
		DeletedRegion   sarifRegion `json:"deletedRegion"`
		InsertedContent sarifText   `json:"insertedContent"`
	}
)

// homepage is where people find the tool.
const homepage = "https://github.com/ctxaudit/ctxaudit"

// fingerprintName names our way to make fingerprints; a better one gets another name.
const fingerprintName = "ctxaudit/v2"

// SARIF writes an audit as SARIF 2.1.0. Related places are linked from the message, because code scanning shows only
// those that are.
func SARIF(w io.Writer, a Audit, _ Style) error {
	driver := sarifDriver{Name: "ctxaudit", Version: a.Version, InformationURI: homepage, Rules: []sarifRule{}}
	index := map[string]int{}
	for _, r := range a.Rules {
		if a.reports(r.Name) {
			index[r.Name] = len(driver.Rules)
			driver.Rules = append(driver.Rules, newSarifRule(r, a.rulePage(r.Name)))
		}
	}
	run := sarifRun{Tool: sarifTool{driver}, ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	for k, img := range a.Images {
		l := a.of(k)
		for i, f := range img.Findings {
			at, ok := index[f.Rule]
			if !ok {
				at = -1
			}
			run.Results = append(run.Results, a.sarifResult(f, img, at, l.fingerprints[i]))
		}
		run.Results = append(run.Results, a.sarifSuppressed(img, l.suppressedPrint, index)...)
	}
	if left := a.sarifLeft(); len(a.Notices)+len(left) > 0 {
		told := sarifInvocation{ExecutionSuccessful: true, Notifications: left}
		for _, n := range a.Notices {
			told.Notifications = append(told.Notifications, sarifNotification{
				Level: "note", Message: sarifText{Text: Text(n.Text)}, Locations: []sarifLocation{sarifLine(n.File, n.Line)},
			})
		}
		run.Invocations = []sarifInvocation{told}
	}
	return JSON(w, sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{run},
	})
}

// sarifLeft says what is left out of images.
func (a Audit) sarifLeft() (out []sarifNotification) {
	for i, img := range a.Images {
		if text := a.of(i).leftOut(); text != "" {
			out = append(out, sarifNotification{Level: "warning", Message: sarifText{Text: Text("image " + img.Name + ": " + text)}, Locations: []sarifLocation{sarifLine(img.Dockerfile, 1)}})
		}
	}
	return out
}

// sarifSuppressed gives the findings of an image that do not count, with the reason of each.
func (a Audit) sarifSuppressed(img finding.ImageReport, prints []string, index map[string]int) []sarifResult {
	var out []sarifResult
	for i, x := range img.Suppressed {
		at, ok := index[x.Finding.Rule]
		if !ok {
			at = -1
		}
		r := a.sarifResult(x.Finding, img, at, prints[i])
		kind := "inSource"
		if strings.HasSuffix(x.File, ".yaml") || strings.HasSuffix(x.File, ".yml") {
			kind = "external"
		}
		place := sarifLine(x.File, x.Line)
		r.Suppressions = []sarifSuppression{{kind, x.Reason, &place}}
		out = append(out, r)
	}
	return out
}

// sarifLine gives the place of a line; the first stands for one that is not known.
func sarifLine(file string, line int) sarifLocation {
	return sarifLocation{PhysicalLocation: sarifPhysical{ArtifactLocation: sarifURI(file), Region: &sarifRegion{StartLine: max(line, 1)}}}
}

// reports tells whether there is a finding of a rule, suppressed or not.
func (a Audit) reports(rule string) bool {
	for _, img := range a.Images {
		for _, x := range img.Suppressed {
			if x.Finding.Rule == rule {
				return true
			}
		}
		for _, f := range img.Findings {
			if f.Rule == rule {
				return true
			}
		}
	}
	return false
}

func newSarifRule(r Rule, page string) sarifRule {
	_, body, _ := strings.Cut(r.Doc(), "\n\n")
	full, _, _ := strings.Cut(body, "\n\n")
	return sarifRule{
		ID: r.Name, HelpURI: page, ShortDescription: sarifText{Text: r.Title},
		FullDescription:      sarifText{Text: strings.ReplaceAll(strings.TrimSpace(full), "\n", " ")},
		Help:                 sarifText{Text: body, Markdown: body},
		DefaultConfiguration: sarifConfig{string(r.Severity)},
		Properties:           map[string]any{"tags": []string{"docker", "build-context"}},
	}
}

func (a Audit) sarifResult(f finding.Finding, img finding.ImageReport, rule int, print string) sarifResult {
	r := sarifResult{
		RuleID: f.Rule, RuleIndex: rule, Level: string(f.Severity),
		PartialFingerprints: map[string]string{fingerprintName: print},
		Properties:          map[string]any{"image": img.Name},
	}
	p := subject(f, img)
	at := sarifLine(p.File, p.Line)
	if sp, ok := a.Sources.span(p, f, img); ok {
		start, _ := sp.columns()
		line, end, text := a.Sources.region(p, sp)
		region := sarifRegion{StartLine: p.Line, StartColumn: start, EndLine: line, EndColumn: end}
		if text != "" {
			region.Snippet = &sarifText{Text: utf8Only(text)}
		}
		*at.PhysicalLocation.Region = region
	}
	r.Locations = []sarifLocation{at}
	var plain, rich strings.Builder
	plain.WriteString(sarifEscape(f.Summary) + ".")
	rich.WriteString(mdText(f.Summary) + ".")
	if f.Detail != "" {
		plain.WriteString("\n\n" + sarifEscape(f.Detail))
		rich.WriteString("\n\n" + mdText(f.Detail))
	}
	for i, rel := range f.Related {
		if rel.Role == roleMore {
			plain.WriteString("\n- " + sarifEscape(role(rel)))
			rich.WriteString("\n- " + mdText(role(rel)))
			continue
		}
		id := i + 1
		note := role(rel)
		r.RelatedLocations = append(r.RelatedLocations, sarifLocation{
			ID: &id, Message: &sarifText{Text: note},
			PhysicalLocation: sarifPhysical{ArtifactLocation: sarifURI(rel.File), Region: relatedRegion(rel)},
		})
		if i == 0 {
			plain.WriteString("\n")
			rich.WriteString("\n")
		}
		where := position(finding.Position{File: rel.File, Line: rel.Line})
		fmt.Fprintf(&plain, "\n- [%s](%d) %s: %s", sarifEscape(where), id, sarifEscape(rel.Text), sarifEscape(note))
		fmt.Fprintf(&rich, "\n- [%s](%d) %s %s", mdText(where), id, mdCode(rel.Text), mdText(note))
	}
	r.CodeFlows = codeFlow(f)
	if len(f.Assumptions) > 0 {
		said := make([]string, len(f.Assumptions))
		for i, as := range f.Assumptions {
			said[i] = fmt.Sprintf("%s:%d %s: %s", as.File, as.Line, as.Text, as.Meaning)
		}
		r.Properties["assumptions"] = said
	}
	for _, fix := range f.Fixes {
		if change, ok := a.sarifFix(fix); ok {
			r.Fixes = append(r.Fixes, change)
		}
		rich.WriteString("\n\nFix: " + mdText(fixTitle(fix)) + ".")
		plain.WriteString("\n\nFix: " + sarifEscape(fixTitle(fix)) + ".")
	}
	r.Message = sarifText{Text: plain.String(), Markdown: rich.String()}
	return r
}

// flowOrder is the order in which what has a part in a finding comes about, from the start command to the line to blame. Other roles are
// none of its steps.
var flowOrder = []finding.Role{
	finding.RoleBuilds, finding.RoleStarts, finding.RoleRequires, finding.RoleImports, finding.RoleReads, finding.RoleSearchPath, finding.RoleCopies, finding.RoleMakes,
	finding.RoleReincludes, finding.RoleNoEffect, finding.RoleExcludes, finding.RoleWithholds, finding.RoleRemoves, finding.RoleFails,
}

// codeFlow gives the way from what needs something to the line to blame, if there is more than one step.
func codeFlow(f finding.Finding) []sarifCodeFlow {
	var steps []sarifStep
	for _, r := range flowOrder {
		for _, p := range f.Related {
			if p.Role != r {
				continue
			}
			at := sarifLine(p.File, p.Line)
			at.Message = &sarifText{Text: role(p)}
			steps = append(steps, sarifStep{at})
		}
	}
	if len(steps) < 2 {
		return nil
	}
	return []sarifCodeFlow{{[]sarifThreadFlow{{steps}}}}
}

func relatedRegion(p finding.Place) *sarifRegion {
	if p.Line < 1 {
		return nil
	}
	return &sarifRegion{StartLine: p.Line, Snippet: &sarifText{Text: utf8Only(p.Text)}}
}

// sarifFix gives the edits of a fix as replacements, one for each file: edits follow one another, and SARIF's regions are
// all of the file as it is.
func (a Audit) sarifFix(fix finding.Fix) (sarifFix, bool) {
	out := sarifFix{Description: sarifText{Text: sarifEscape(fixTitle(fix))}}
	changes, ok := a.changes(fix)
	for _, c := range changes {
		out.ArtifactChanges = append(out.ArtifactChanges, sarifChange{sarifURI(c.file), []sarifReplacement{replacement(c.before, c.after)}})
	}
	return out, ok && len(changes) > 0
}

// replacement gives the lines in which two states of a file differ, from the first to the last one, as one replacement.
func replacement(before, after string) sarifReplacement {
	was, is := strings.SplitAfter(before, "\n"), strings.SplitAfter(after, "\n")
	first := 0
	for first < len(was)-1 && first < len(is)-1 && was[first] == is[first] {
		first++
	}
	last := 0
	for last < len(was)-first && last < len(is)-first && was[len(was)-1-last] == is[len(is)-1-last] {
		last++
	}
	r := sarifRegion{StartLine: first + 1, StartColumn: 1, EndLine: len(was) - last + 1, EndColumn: 1}
	if last == 0 {
		// It goes to the end of the last line, which has none.
		r.EndLine = len(was)
		r.EndColumn = utf8.RuneCountInString(was[len(was)-1]) + 1
	}
	return sarifReplacement{r, sarifText{Text: utf8Only(strings.Join(is[first:len(is)-last], ""))}}
}

// sarifURI gives a file name as a URI: relative to the root of the repository, which is where ctxaudit is started.
func sarifURI(file string) sarifArtifact {
	u := url.URL{Path: path.Clean(file)}
	if path.IsAbs(file) {
		u.Scheme = "file"
		return sarifArtifact{u.String()}
	}
	// EscapedPath is used so that a colon in the first element is not taken for a scheme.
	return sarifArtifact{strings.ReplaceAll(u.EscapedPath(), ":", "%3A")}
}

// sarifEscape keeps brackets in plain messages from being taken for links.
func sarifEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`).Replace(Text(s))
}

func utf8Only(s string) string { return strings.ToValidUTF8(s, "\ufffd") }
