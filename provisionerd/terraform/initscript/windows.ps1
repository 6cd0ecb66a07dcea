# Fetches the agent from the server and runs it. CODER_AGENT_TOKEN is expected in
# the environment when the agent signs in with a token.
$ErrorActionPreference = "Stop"
$ProgressPreference = "SilentlyContinue"
[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12

$base = "${ACCESS_URL}".TrimEnd("/")
$url = "$base/bin/coder-windows-${ARCH}.exe"
$binary = "$env:TEMP\sshd.exe"

while ($true) {
	try {
		Invoke-WebRequest -UseBasicParsing -Uri $url -OutFile $binary
		break
	} catch {
		Write-Output "The agent could not be fetched from ${url}: $_ Trying again in 30 seconds."
		Start-Sleep -Seconds 30
	}
}

$version = & $binary --version 2>&1 | Out-String
if ($version -notmatch "(?i)coder") {
	Write-Output "What was fetched from $url does not run here, or is not the agent."
	Start-Sleep -Seconds 86400
	exit 1
}

$env:CODER_AGENT_AUTH = "${AUTH_TYPE}"
$env:CODER_AGENT_URL = "${ACCESS_URL}"
& $binary agent
exit $LASTEXITCODE
