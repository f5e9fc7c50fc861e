# Packages of any Debian suite and architecture by apt's own client, with private state: the system's sources and
# packages stay as they are. The mirror is the one that the system is configured for.

# private_apt FOLDER ARCHITECTURE SUITE...: prepares FOLDER/apt.conf; later suites are preferred.
private_apt() {
    local folder=$1 architecture=$2 suite uri
    shift 2
    mkdir -p "$folder"/{lists/partial,cache/archives/partial,parts}
    : >"$folder/status"
    : >"$folder/sources.list"
    for suite in "$@"; do
        case $suite in
        *-security) uri=$(mirror '-security$') ;;
        *) uri=$(mirror '^[a-z]+$') ;;
        esac
        [ -n "$uri" ] || return 1
        echo "deb [arch=$architecture signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main" \
            >>"$folder/sources.list"
    done
    cat >"$folder/apt.conf" <<CONFIG
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Default-Release "${!#}";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Retries "1";
Acquire::http::Timeout "20";
Dir::Etc::sourcelist "$folder/sources.list";
Dir::Etc::sourceparts "$folder/parts";
Dir::State "$folder";
Dir::State::lists "$folder/lists";
Dir::State::status "$folder/status";
Dir::Cache "$folder/cache";
Debug::NoLocking "true";
CONFIG
    APT_CONFIG=$folder/apt.conf apt-get -qq update -o APT::Update::Error-Mode=any
}

# The first of the system's repositories whose release and component are Debian's own.
mirror() {
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk -v release="$1" '$2 ~ release && $2 ~ /^(bookworm|trixie|sid|forky)/ && $3 == "main" { print $1; exit }'
}

# dependency FOLDER PACKAGE REGEX: the first package that PACKAGE depends on and whose name matches.
dependency() {
    APT_CONFIG=$1/apt.conf apt-cache depends "$2" | sed -nE 's/^ *\|?Depends: //p' | grep -xE "$3" | head -1
}

# download FOLDER PACKAGE...: the .deb files land in FOLDER/debs.
download() {
    local folder=$1
    shift
    mkdir -p "$folder/debs"
    (cd "$folder/debs" && APT_CONFIG=$folder/apt.conf apt-get -qq download "$@")
}
