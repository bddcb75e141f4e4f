package finding

// The names of the rules. They are for ever.
const (
	BuildFails             = "BuildFails"
	ModuleNotInImage       = "ModuleNotInImage"
	PathNotInImage         = "PathNotInImage"
	PathForbidden          = "PathForbidden"
	EnvMissing             = "EnvMissing"
	EnvMismatch            = "EnvMismatch"
	SearchPathEntryMissing = "SearchPathEntryMissing"
	EntrypointNotInImage   = "EntrypointNotInImage"
	WorkdirMismatch        = "WorkdirMismatch"
	UserMismatch           = "UserMismatch"
	EntrypointNotRunnable  = "EntrypointNotRunnable"
	EntrypointUnknown      = "EntrypointUnknown"
	DataFileNotInImage     = "DataFileNotInImage"
	MountHidesImage        = "MountHidesImage"
	ImportCycle            = "ImportCycle"
	ImportNotInImage       = "ImportNotInImage"
	ImportNotReachable     = "ImportNotReachable"
	ImportNotFound         = "ImportNotFound"
	NameNotExported        = "NameNotExported"
	RequiredUntracked      = "RequiredUntracked"
	UntrackedInImage       = "UntrackedInImage"
	SecretInImage          = "SecretInImage"
	RequiredNotUploaded    = "RequiredNotUploaded"

	IgnorePatternUnused       = "IgnorePatternUnused"
	IgnorePatternRedundant    = "IgnorePatternRedundant"
	IgnoreNegationIneffective = "IgnoreNegationIneffective"
	IgnorePatternRootOnly     = "IgnorePatternRootOnly"
	IgnoreSlowNegation        = "IgnoreSlowNegation"
	IgnoreSecretReincluded    = "IgnoreSecretReincluded"

	SuppressionInvalid = "SuppressionInvalid"
	SuppressionExpired = "SuppressionExpired"
	SuppressionUnused  = "SuppressionUnused"
)
