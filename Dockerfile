# The image: the binary, the libraries it links, the system's certificates, and nothing else. No
# path of one architecture is in it: it builds on amd64 and arm64 alike.
#   docker build -t understudy .
#   docker buildx build --platform linux/amd64,linux/arm64 -t understudy .
#   docker run -p 1975:1975 -v "$PWD/config.yaml:/etc/understudy/config.yaml:ro" understudy
ARG BASE=debian:trixie-slim

FROM ${BASE} AS build
WORKDIR /src
COPY dev ./
RUN ./dev deps && rm -rf /var/lib/apt/lists/*
COPY . .
RUN UNDERSTUDY_CMAKE_ARGS=-DUNDERSTUDY_TESTS=OFF ./dev build && \
    deploy/rootfs build/release/understudy /rootfs

FROM scratch
COPY --from=build /rootfs /
# In a container the port has to be reachable from outside it. The admin listener stays on the
# container's own loopback, where the health check asks it.
ENV UNDERSTUDY_LISTEN=0.0.0.0:1975 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    PATH=/usr/bin
USER 65532:65532
WORKDIR /etc/understudy
EXPOSE 1975
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/usr/bin/understudy", "healthcheck"]
ENTRYPOINT ["/usr/bin/understudy"]
CMD ["run", "/etc/understudy/config.yaml"]
