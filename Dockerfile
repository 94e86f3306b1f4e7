# syntax=docker/dockerfile:1
# docker build -t omniroute . && docker run -p 127.0.0.1:20128:20128 -v omniroute-data:/app/data omniroute

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
WORKDIR /src
# Dependencies alone, so that a change of the code does not install them again.
COPY pyproject.toml constraints.txt README.md ./
RUN /venv/bin/pip install -c constraints.txt ".[cluster,zstd]"

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/app/data \
    HOST=0.0.0.0 \
    PORT=20128
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin omniroute \
    && install -d -o omniroute -g omniroute -m 0700 /app/data
WORKDIR /app
COPY --from=build /venv /venv
COPY manage.py ./
COPY omniroute omniroute
COPY gateway gateway
COPY providers providers
COPY combos combos
COPY billing billing
COPY resilience resilience
COPY templates templates
RUN python -m compileall -q .
USER omniroute
VOLUME /app/data
EXPOSE 20128
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/api/health\", timeout=4)"]
ENTRYPOINT ["omniroute"]
CMD ["serve"]
