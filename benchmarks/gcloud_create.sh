#!/bin/sh
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# The site of inventories/testbed as people script it. Environment: what "testbed env" prints.
set -eu

gcloud services enable compute.googleapis.com container.googleapis.com dns.googleapis.com \
  servicenetworking.googleapis.com apigee.googleapis.com
gcloud compute networks create shop-vpc --subnet-mode=custom
gcloud compute networks subnets create shop-vpc-gke --network=shop-vpc --region=europe-west1 \
  --range=10.69.16.0/20 --secondary-range=pods=10.68.0.0/16,services=10.69.0.0/20
gcloud compute addresses create shop-vpc-apigee --global --purpose=VPC_PEERING --network=shop-vpc \
  --addresses=10.64.0.0 --prefix-length=20
gcloud services vpc-peerings connect --service=servicenetworking.googleapis.com --network=shop-vpc \
  --ranges=shop-vpc-apigee
gcloud container clusters create gke --region=europe-west1 --network=shop-vpc --subnetwork=shop-vpc-gke \
  --enable-ip-alias --cluster-secondary-range-name=pods --services-secondary-range-name=services \
  --cluster-dns=clouddns --cluster-dns-scope=vpc --cluster-dns-domain=gke.acme.internal \
  --machine-type=e2-standard-2 --num-nodes=3 --async
gcloud services peered-dns-domains create apigee-gke-gke --network=shop-vpc --dns-suffix=gke.acme.internal.
gcloud compute firewall-rules create shop-vpc-apigee-to-pods --network=shop-vpc --direction=INGRESS \
  --source-ranges=10.64.0.0/22 --allow=tcp:8080
until [ "$(gcloud container clusters describe gke --region=europe-west1 --format='value(status)')" = RUNNING ]; do
  sleep 1
done
kubectl apply -f "$(dirname "$0")/shop.yaml"
kubectl --namespace=shop rollout status deployment/orders --timeout=180s

echo "left out: organisation, instance, environment, group, attachments, target server, proxy import: gcloud has no"
echo "          command that makes them for a VPC-peered organisation; people use curl or apigeecli there"
echo "left out: deployment and the request that proves the path: nothing to deploy without them"
