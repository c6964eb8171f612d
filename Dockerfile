# One image for all programs, under the names and in the places the original's image has them:
#
#   docker build -t nsq .
#   docker run -p 4150:4150 -p 4151:4151 -p 4171:4171 -v nsq:/data nsq        all three servers
#   docker run -p 4150:4150 -p 4151:4151 -v nsq:/data nsq /nsqd               one of the programs
#
# The final stage is made of nothing but what scripts/image-root puts together: the binary, the
# libraries it is linked with, authorities for TLS, and busybox, because hooks and checks written
# for the original's image call its sh, sleep and wget. scripts/test-image builds and tries it.

FROM debian:bookworm-slim AS build
WORKDIR /src
COPY scripts/install-deps scripts/
RUN scripts/install-deps && apt-get install -y -qq --no-install-recommends busybox-static
COPY CMakeLists.txt CMakePresets.json LICENSE ./
COPY cmake cmake
COPY assets assets
COPY include include
COPY src src
# As many compilers at once as there are processors, or so many; what `nsq version` calls the commit;
# a file of authorities, mounted for the build, that npm is to trust as well.
ARG JOBS=
ARG COMMIT=
ARG NODE_EXTRA_CA_CERTS=
ENV LANG=C.UTF-8
RUN cmake --preset release -DNSQ_TESTS=OFF -DNSQ_COMMIT="$COMMIT" && cmake --build build/release --target nsq ${JOBS:+-j$JOBS}
COPY scripts/image-root scripts/
RUN scripts/image-root build/release/nsq /image && mkdir /volumes && mv /image/data /volumes/

FROM scratch
COPY --from=build /image/ /
# The user's, so that a volume that is made for it is, too.
COPY --from=build --chown=4150:4150 /volumes/ /
ENV PATH=/usr/local/bin:/usr/bin:/bin
# 4150, 4151: daemon. 4152: its HTTPS. 4160, 4161: lookupd. 4171: admin.
EXPOSE 4150 4151 4152 4160 4161 4170 4171
VOLUME /data
WORKDIR /data
USER 4150:4150
# Asks whichever server of the three listens on its usual port; for a tool there is none to ask.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/nsq", "health", "--absent-is-healthy"]
CMD ["/nsq", "standalone"]
