// Package cases has no code: its tests hold, on what people were struck by, that check, why, why --traceback, fix and image ls tell one
// story, and that it is the one of the real thing: of Python, the kernel and BuildKit.
//
// A case is an archive. The comment says what it is about; "want" is what is right, "made" what a text cannot hold, and all else are the
// files of a repository. The lines of want:
//
//	SEVERITY RULE PLACE NAME     check finds it, and no other error or warning; "nothing" if it finds none
//	unrepaired REASON            no edit repairs the errors; otherwise fix must, and a check of what it writes finds none
//	image PATH, no PATH          the image has it, or has it not
//	python ARGS | TEXT           Python says that in the image as it is, and does not in the one that is repaired
//	exec ARGS | TEXT             the kernel or the shell says it
//	was ...                      python or exec, where the repaired image starts another command
//	why TARGET | TEXT            why says that of it
//	traceback LINE | TEXT        why --traceback says that of what a program prints, and that it is not there
//	refuses TEXT                 BuildKit does
//	context, file, build-arg, build-context, target   how BuildKit is told to build it
//
// The lines of made: link PATH TARGET, chmod MODE PATH, crlf PATH, bom PATH, zip PATH, and of git: nogit, untracked PATH, gitmode MODE PATH.
package cases
