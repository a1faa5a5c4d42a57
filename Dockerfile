# Two images from one file:  docker build --target cpu -t sightline .   |   docker build --target gpu -t sightline:gpu .
# Dependencies are a layer of their own, so a change of the source does not download them again.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
# Where pip finds packages, for networks with an index or a folder of wheels of their own; empty: PyPI.
ARG PIP_INDEX_URL=""
ARG PIP_EXTRA_INDEX_URL=""
ARG PIP_FIND_LINKS=""
ARG PIP_CERT=""
# Not every builder hands arguments on to stages built upon this one; variables are, and pip ignores empty ones.
ENV PIP_INDEX_URL=$PIP_INDEX_URL \
    PIP_EXTRA_INDEX_URL=$PIP_EXTRA_INDEX_URL \
    PIP_FIND_LINKS=$PIP_FIND_LINKS \
    PIP_CERT=$PIP_CERT \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python3 -m venv /opt/sightline
ENV PATH=/opt/sightline/bin:$PATH
COPY pyproject.toml constraints.txt scripts/requirements.py ./

FROM build AS build-cpu
# The official CPU builds; every other source offers the CUDA build. Empty: pip finds a CPU build by itself.
ARG TORCH_INDEX_URL=https://download.pytorch.org/whl/cpu
RUN pip install --quiet --no-deps --constraint constraints.txt \
        ${TORCH_INDEX_URL:+--index-url "$TORCH_INDEX_URL"} torch torchvision \
    && python3 requirements.py cpu postgres milvus objects oidc otel > requirements.txt \
    && pip install --quiet --constraint constraints.txt --requirement requirements.txt
COPY . .
RUN pip install --quiet --no-deps .

FROM build AS build-gpu
RUN python3 requirements.py gpu postgres milvus objects oidc otel > requirements.txt \
    && pip install --quiet --constraint constraints.txt --requirement requirements.txt
COPY . .
RUN pip install --quiet --no-deps .

FROM ${PYTHON_IMAGE} AS runtime
RUN groupadd --gid 10001 sightline \
    && useradd --uid 10001 --gid sightline --no-create-home sightline \
    && install --directory --owner=sightline --group=sightline /data /media
ENV PATH=/opt/sightline/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GLIBC_TUNABLES=glibc.malloc.hugetlb=1 \
    SIGHTLINE_DATA_DIR=/data \
    SIGHTLINE_MEDIA_DIR=/media \
    SIGHTLINE_HOST=0.0.0.0
WORKDIR /data
VOLUME ["/data"]
USER 10001:10001
EXPOSE 8000
# Healthy is who can answer a search (the model loads first); the worker has no port and switches this off.
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s --retries=4 \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["sightline"]
CMD ["serve"]

FROM runtime AS gpu
# The CUDA libraries come with the packages; the driver comes from the host through the NVIDIA container toolkit.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility,video
COPY --from=build-gpu /opt/sightline /opt/sightline

FROM runtime AS cpu
COPY --from=build-cpu /opt/sightline /opt/sightline
