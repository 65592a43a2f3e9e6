#!/bin/sh
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Look at everything that the site consists of, as people script it. Environment: what "testbed env" prints.
set -eu

gcloud services list --enabled --format='value(config.name)'
gcloud compute networks describe shop-vpc
gcloud compute networks subnets describe shop-vpc-gke --region=europe-west1
gcloud compute addresses describe shop-vpc-apigee --global
gcloud services vpc-peerings list --network=shop-vpc
gcloud services peered-dns-domains list --network=shop-vpc
gcloud compute firewall-rules describe shop-vpc-apigee-to-pods
gcloud container clusters describe gke --region=europe-west1
gcloud apigee organizations list
gcloud apigee environments list
gcloud apigee apis describe orders
gcloud apigee deployments list
kubectl --namespace=shop get namespace/shop deployment/orders service/orders --output=yaml

echo "left out: instance, instance attachment, environment group, its attachment, target server: gcloud has no command"
echo "          that reads them; and nothing is compared, which is left to the reader"
