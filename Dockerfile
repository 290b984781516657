# The command and nothing else. The build context holds the static binary, in a folder
# for each platform, as GoReleaser lays it out; `make image` makes one for this machine.
#
#   docker run --rm --network host IMAGE check --addr tcp://127.0.0.1:7000 --dialect echo
#
# With --pid host and --pid N the process vantage is there too.
FROM scratch
ARG TARGETPLATFORM
COPY $TARGETPLATFORM/reactorspec /usr/bin/reactorspec
# A directory for temporary files, which an empty image has none of.
WORKDIR /tmp
ENTRYPOINT ["/usr/bin/reactorspec"]
