# One image for our two services, the twin and the simulated world: locked dependencies, checked by hash, no compiler,
# no package installer, nobody's root. Another base (by digest, from a mirror): --build-arg PYTHON_IMAGE=...

ARG PYTHON_IMAGE=python:3.11.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1
RUN python3 -m venv /opt/hearthgrid
WORKDIR /src
COPY requirements.lock ./
RUN /opt/hearthgrid/bin/python -m pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY twin twin
COPY simulators simulators
COPY fmu/dist fmu/dist
# The lock holds what builds a wheel and what builds FMUs from source; neither is needed once everything is installed.
RUN /opt/hearthgrid/bin/python -m pip install --no-build-isolation --no-deps . \
 && /opt/hearthgrid/bin/python -m pip uninstall --yes --quiet cmake hatchling editables \
 && /opt/hearthgrid/bin/python -m compileall -q /opt/hearthgrid/lib \
 && /opt/hearthgrid/bin/python -m pip uninstall --yes --quiet pip setuptools

FROM ${PYTHON_IMAGE}
COPY --from=build /opt/hearthgrid /opt/hearthgrid
ENV PATH=/opt/hearthgrid/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
WORKDIR /tmp
USER 10001:10001
EXPOSE 8080
CMD ["twin", "--help"]
