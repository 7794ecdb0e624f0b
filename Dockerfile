# The image of the server: its binary on a base without a shell, as a user without rights. The root file system may be
# read-only; a SQLite database is in the volume /var/lib/wallet-server. scripts/package-check runs the build commands and
# starts the result. docs/operations.md shows how to run it.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# The commit, for `wallet-server --version`: the image is built without the repository.
ARG WALLET_COMMIT=
RUN cargo build --release --locked --package wallet-server --bin wallet-server
RUN install -D target/release/wallet-server out/usr/bin/wallet-server \
    && install -D --mode=644 LICENSE out/usr/share/doc/wallet-server/copyright \
    && install -d out/var/lib/wallet-server

# C libraries, certificates of authorities and time zones; the user 65532.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/out/usr /usr
COPY --from=build --chown=65532:65532 /src/out/var/lib/wallet-server /var/lib/wallet-server
WORKDIR /var/lib/wallet-server
VOLUME /var/lib/wallet-server
USER 65532:65532
# Beyond loopback the server starts only with a certificate and a pepper of API keys, or with WALLET_INSECURE=true.
ENV WALLET_LISTEN=0.0.0.0:50051
ENV WALLET_MONITORING_LISTEN=0.0.0.0:9464
EXPOSE 50051 9464
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s CMD ["/usr/bin/wallet-server", "health"]
ENTRYPOINT ["/usr/bin/wallet-server"]
CMD ["serve"]
