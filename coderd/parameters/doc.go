// Package parameters says what parameters a template asks for with given
// inputs, without running Terraform. It reads the HCL of a template (Load) and
// works out coder_parameter, coder_workspace_preset and coder_workspace_tags
// data sources, with the variables, locals, conditions and local modules that
// they depend on (Template.Evaluate). It also owns the rules that a value must
// keep (Check, CheckChange).
//
// It never touches the database, the network, a file or the environment, and
// keeps nothing between calls: a Template is read-only and may be shared.
//
// What only Terraform can know, the attributes of resources and of other data
// sources, modules from elsewhere and functions with effects, is unknown here.
// Unknown is not an error: a parameter whose value hangs on it has no valid
// value, a warning says why, and Terraform decides when it builds.
//
// Templates and values are hostile input. Files, nesting, instances, the size of
// every value, the work of one evaluation and its time are bounded; what goes
// over a bound ends the evaluation with an error diagnostic.
package parameters
