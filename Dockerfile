# Each step is a command that can be run by hand; that is how they were checked, because the machine this was written on has no Docker engine:
#   dotnet build src/Host -c Release        writes artifacts/publish/Host/release_linux-<arch>/ with engine/ and native/ inside
#   runuser -u nobody -- <copy of it>/Host --Urls=http://0.0.0.0:8080 --Data:Path=<a folder of nobody's>
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
RUN apt-get update && apt-get install -y --no-install-recommends nodejs npm && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN dotnet build src/Host -c Release && mv artifacts/publish/Host/release_linux-* /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0
# initdb asks for the name of whoever runs it, so the user needs an entry in /etc/passwd.
RUN useradd --system --home-dir /data --create-home --shell /usr/sbin/nologin llmplatform
COPY --from=build /app /app
USER llmplatform
ENV Urls=http://0.0.0.0:8080 Data__Path=/data
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["/app/Host"]
